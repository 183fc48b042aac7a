/* Stand-in: a "file" is any bytes; it has the version that is asked for. */
#pragma once
#include <stdint.h>
#define TFLITE_SCHEMA_VERSION 3
namespace tflite {
struct Model {
    uint32_t version() const { return TFLITE_SCHEMA_VERSION; }
};
inline const Model *GetModel(const void *bytes) { return reinterpret_cast<const Model *>(bytes); }
}
