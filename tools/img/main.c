/*
 * reprise-img: makes, describes, checks and changes disk images. The commands,
 * options and outputs are those that users of qemu-img know.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"
#include "tool-version.h"

int main(int argc, char **argv)
{
    error_set_program("reprise-img");
    if (argc < 2) {
        return img_usage_error("Not enough arguments");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        img_help(NULL);
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("reprise-img version %s\n", tool_version());
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--describe") == 0) {
        img_describe();
        return EXIT_SUCCESS;
    }
    for (const ImgCommand *c = img_commands; c->name; c++) {
        if (strcmp(argv[1], c->name) == 0) {
            return img_run(c, argc - 1, argv + 1);
        }
    }
    return img_usage_error("Command not found: %s", argv[1]);
}
