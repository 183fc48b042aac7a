/* Stand-in: computes the tests' tiny model (add 1 and saturate, then halve the sums of neighbours), whatever the file says. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

enum TfLiteStatus { kTfLiteOk, kTfLiteError };
enum TfLiteType { kTfLiteFloat32 = 1, kTfLiteInt8 = 9 };
union TfLitePtrUnion {
    char *raw;
    int8_t *int8;
    float *f;
};
struct TfLiteQuantizationParams {
    float scale;
    int32_t zero_point;
};
struct TfLiteTensor {
    TfLiteType type;
    TfLitePtrUnion data;
    size_t bytes;
    TfLiteQuantizationParams params;
};

namespace tflite {
class MicroInterpreter {
  public:
    MicroInterpreter(const Model *, const AnyResolver &resolver, uint8_t *arena, size_t bytes)
        : arena_(arena), bytes_(bytes), operators_(resolver.added)
    {
    }
    TfLiteStatus AllocateTensors()
    {
        if (bytes_ < 512 || operators_ != 1 || (reinterpret_cast<uintptr_t>(arena_) & 15u) != 0)
            return kTfLiteError;
        input_ = {kTfLiteInt8, {(char *)arena_}, 8, {0.5f, -1}};
        output_ = {kTfLiteInt8, {(char *)arena_ + 16}, 4, {0.5f, -1}};
        return kTfLiteOk;
    }
    TfLiteStatus Invoke()
    {
        int8_t *in = input_.data.int8;
        for (int i = 0; i < 8; i++)
            in[i] = (int8_t)(in[i] == 127 ? 127 : in[i] + 1);
        for (int i = 0; i < 4; i++)
            output_.data.int8[i] = (int8_t)((in[2 * i] + in[2 * i + 1]) >> 1);
        return kTfLiteOk;
    }
    size_t inputs_size() const { return 1; }
    size_t outputs_size() const { return 1; }
    TfLiteTensor *input(size_t) { return &input_; }
    TfLiteTensor *output(size_t) { return &output_; }

  private:
    uint8_t *arena_;
    size_t bytes_;
    int operators_;
    TfLiteTensor input_, output_;
};
}
