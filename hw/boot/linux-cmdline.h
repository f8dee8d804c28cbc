/*
 * The words of a Linux command line that are the boot loader's business:
 * Documentation/x86/boot.rst, "Special Command Line Options".
 */
#ifndef HW_BOOT_LINUX_CMDLINE_H
#define HW_BOOT_LINUX_CMDLINE_H

#include "base/error.h"
#include "base/types.h"

/* vga=: the video mode that the kernel's real-mode part is to set; 0: the
 * header's. False with an error that names the word. */
bool linux_cmdline_video(const char *cmdline, uint16_t *mode, Error **errp);
/* mem=: nothing may be loaded beyond; UINT64_MAX: not said. */
bool linux_cmdline_memory(const char *cmdline, uint64_t *bytes, Error **errp);

#endif
