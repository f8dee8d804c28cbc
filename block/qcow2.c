/*
 * qcow2 images.
 */
#include "driver.h"

BlockNode *qcow2_open(BlockFile *file, const NodeOpen *how, Error **errp)
{
    block_file_close(file);
    error_set(errp, "Could not open '%s': qcow2 is not supported yet",
              how->file);
    return NULL;
}
