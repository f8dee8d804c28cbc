/* Links, and that is all: see tests/meson.build. */
int main(void)
{
    return 0;
}
