/*
 * -sandbox where libseccomp was not there when the program was built.
 */
#include "io/sandbox.h"

bool sandbox_enter(const SandboxSpec *spec, Error **errp)
{
    error_set(errp, "-sandbox: this program was built without libseccomp");
    return false;
}
