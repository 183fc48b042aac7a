/* Control and status registers from C. */
#ifndef THIMBLE_CSR_H
#define THIMBLE_CSR_H

/* In front of their instructions: an assembler since binutils 2.38 knows them as an extension, Zicsr, of its own. */
#define THIMBLE_CSR ".option arch, +zicsr\n"

#endif
