/** The registers of an ESP32-S3 that flash tools look at: its fuses, and the SPI controller that asks the flash chip. */

const MAGIC = 0x40001000; // tells the series, in older tools
const EFUSE_BLOCK1 = 0x60007044;
const SPI = 0x60002000;
const SPI_CMD = SPI + 0x00;
const SPI_USR2 = SPI + 0x20;
const SPI_W0 = SPI + 0x58;
const SPI_CMD_USER = 1 << 18;
const READ_ID = 0x9f;
const WINBOND = 0xef;
const WINBOND_NOR = 0x40;

export class EspRegisters {
  readonly #values = new Map<number, number>();
  readonly #flashId: number;

  constructor(flashBytes: number) {
    // JEDEC: maker, kind, power of two of the size; the first byte lies lowest.
    this.#flashId = WINBOND | (WINBOND_NOR << 8) | (Math.log2(flashBytes) << 16);
    this.#values.set(MAGIC, 9);
    this.#values.set(EFUSE_BLOCK1, 0x12345678); // MAC, low word: 12:34:56:78 end it
    this.#values.set(EFUSE_BLOCK1 + 4, 0x7cdf); // and 7c:df begin it, as Espressif's do
    this.#values.set(EFUSE_BLOCK1 + 12, 2 << 18); // revision v0.2
  }

  read(address: number): number {
    return this.#values.get(address) ?? 0;
  }

  write(address: number, value: number, mask: number): void {
    const kept = this.read(address) & ~mask;
    this.#values.set(address, (kept | (value & mask)) >>> 0);
    if (address === SPI_CMD && value & SPI_CMD_USER) this.#command();
  }

  /** Runs at once and clears its own bit. Of all commands of the flash chip, tools send READ ID this way. */
  #command(): void {
    this.#values.set(SPI_CMD, 0);
    this.#values.set(SPI_W0, (this.read(SPI_USR2) & 0xff) === READ_ID ? this.#flashId : 0);
  }
}
