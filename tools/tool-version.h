/*
 * The version as --version prints it, with the commit if the tree was one.
 * Made by meson (version.h); used by the tools.
 */
#ifndef TOOL_VERSION_H
#define TOOL_VERSION_H

#include "version-commit.h"

/* "0.1.0 (1a2b3c4)". */
static inline const char *tool_version(void)
{
    return *REPRISE_COMMIT ? REPRISE_VERSION " (" REPRISE_COMMIT ")"
                           : REPRISE_VERSION;
}

#endif
