#define DT_CHOSEN(name) name
#define DT_ALIAS(name) name
#define DT_NODE_HAS_STATUS(node, status) 1
