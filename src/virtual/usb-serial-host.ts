/**
 * The computer at the other end of an emulated RP2040's USB: it sets the device up as an operating system does, opens its
 * serial port and carries bytes. What the device says wrong ends here, as it would there.
 */
import type { RP2040 } from 'rp2040js';

type UsbController = RP2040['usbCtrl'];

const PACKET_BYTES = 64;
/** 19 full packets fit into a frame of 1 ms on an otherwise idle bus: USB 2.0, table 5-9. */
const PACKET_US = 1000 / 19;
const BETWEEN_REQUESTS_NS = 100_000;
const CDC_DATA_CLASS = 10;
const [DESCRIPTOR_INTERFACE, DESCRIPTOR_ENDPOINT] = [4, 5];

interface ControlRequest {
  readonly setup: readonly [type: number, request: number, value: number, index: number, length: number];
  readonly data?: Uint8Array; // towards the device
  readonly onAnswer?: (bytes: Uint8Array) => void;
}

export interface UsbLine {
  readonly baud: number;
  readonly dtr: boolean;
}

export class UsbSerialHost {
  readonly #usb: UsbController;
  readonly #onBytes: (bytes: Uint8Array) => void;
  readonly #next: { schedule(nanoseconds: number): void };
  #requests: ControlRequest[] = [];
  #current: ControlRequest | undefined;
  #answer: number[] = [];
  #isAnswered = false;
  #awaitsEmpty = false; // the device, for the packet that ends a request whose answer came
  #toSend: number[] = [];
  #wanted = 0; // bytes that the device's out buffer has room for
  #in = -1;
  #out = -1;
  /** Whether the program has turned its USB on. */
  isEnabled = false;
  /** Whether its serial port is open. */
  isOpen = false;
  /** '2e8a:000a', once the device has said so. */
  usbId = '';

  constructor({ usbCtrl, clock }: RP2040, onBytes: (bytes: Uint8Array) => void) {
    this.#usb = usbCtrl;
    this.#onBytes = onBytes;
    this.#next = clock.createAlarm(() => this.#begin());
    usbCtrl.onUSBEnabled = () => {
      this.isEnabled = true;
      this.isOpen = false;
      usbCtrl.resetDevice();
    };
    usbCtrl.onResetReceived = () => this.#enumerate();
    usbCtrl.onEndpointWrite = (endpoint, bytes) => this.#fromDevice(endpoint, bytes);
    usbCtrl.onEndpointRead = (endpoint, room) => this.#deviceListens(endpoint, room);
  }

  /** Bytes for the serial port; kept until it is open. */
  feed(bytes: Iterable<number>): void {
    for (const byte of bytes) this.#toSend.push(byte);
    this.#pump();
  }

  /** What opening and closing the port does: line coding, then DTR. */
  setLine({ baud, dtr }: UsbLine): void {
    const coding = new DataView(new ArrayBuffer(7));
    coding.setUint32(0, baud, true);
    coding.setUint8(6, 8);
    this.#request({ setup: [0x21, 0x20, 0, 0, 7], data: new Uint8Array(coding.buffer) });
    this.#request({ setup: [0x21, 0x22, dtr ? 3 : 0, 0, 0] });
  }

  #enumerate(): void {
    this.#requests = [];
    this.#current = undefined;
    this.#request({
      setup: [0x80, 6, 0x0100, 0, 18],
      onAnswer: (device) => {
        const view = new DataView(device.buffer, device.byteOffset);
        const hex = (at: number) => view.getUint16(at, true).toString(16).padStart(4, '0');
        this.usbId = `${hex(8)}:${hex(10)}`;
      },
    });
    this.#request({ setup: [0x00, 5, 1, 0, 0] });
    this.#request({
      setup: [0x80, 6, 0x0200, 0, 9],
      onAnswer: (head) => {
        const total = head[2]! | (head[3]! << 8);
        this.#request({ setup: [0x80, 6, 0x0200, 0, total], onAnswer: (all) => this.#configure(all) });
      },
    });
  }

  #configure(descriptors: Uint8Array): void {
    let isData = false;
    for (let at = 0; at + 1 < descriptors.length; at += Math.max(descriptors[at]!, 1)) {
      const type = descriptors[at + 1];
      if (type === DESCRIPTOR_INTERFACE) isData = descriptors[at + 5] === CDC_DATA_CLASS;
      if (type !== DESCRIPTOR_ENDPOINT || !isData) continue;
      const address = descriptors[at + 2]!;
      if (address & 0x80) this.#in = address & 0xf;
      else this.#out = address;
    }
    if (this.#in < 0 || this.#out < 0) return; // no serial port: nothing to open
    this.#request({ setup: [0x00, 9, 1, 0, 0] });
    this.setLine({ baud: 115_200, dtr: true });
  }

  #request(request: ControlRequest): void {
    this.#requests.push(request);
    if (!this.#current) this.#next.schedule(BETWEEN_REQUESTS_NS);
  }

  #begin(): void {
    if (this.#current) return;
    this.#current = this.#requests.shift();
    if (!this.#current) return;
    this.#answer = [];
    this.#isAnswered = this.#awaitsEmpty = false;
    const [type, request, value, index, length] = this.#current.setup;
    this.#usb.sendSetupPacket(
      Uint8Array.of(type, request, value & 0xff, value >> 8, index & 0xff, index >> 8, length & 0xff, length >> 8),
    );
  }

  #end(): void {
    const ended = this.#current;
    this.#current = undefined;
    ended?.onAnswer?.(Uint8Array.from(this.#answer));
    const [type, request, value] = ended?.setup ?? [];
    if (type === 0x21 && request === 0x22) {
      this.isOpen = (value! & 1) === 1;
      this.#pump();
    }
    this.#next.schedule(BETWEEN_REQUESTS_NS);
  }

  #fromDevice(endpoint: number, bytes: Uint8Array): void {
    if (endpoint === this.#in && endpoint !== 0) {
      if (bytes.length > 0) this.#onBytes(bytes);
      return;
    }
    if (endpoint !== 0 || !this.#current) return;
    const [type, , , , length] = this.#current.setup;
    if ((type & 0x80) === 0) {
      this.#end(); // the device's empty packet
      return;
    }
    this.#answer.push(...bytes);
    this.#isAnswered = bytes.length < PACKET_BYTES || this.#answer.length >= length;
    this.#acknowledge();
  }

  /** The emulated controller takes a packet off the device before it is here: the device may listen already. */
  #acknowledge(): void {
    if (!this.#isAnswered || !this.#awaitsEmpty) return;
    this.#usb.endpointReadDone(0, new Uint8Array(0));
    this.#end();
  }

  /** Endpoint 0: the data of a request, or the empty packet that ends one whose answer has come. */
  #deviceListens(endpoint: number, room: number): void {
    if (endpoint === 0) {
      const data = this.#current?.data;
      if (data) this.#usb.endpointReadDone(0, data);
      else {
        this.#awaitsEmpty = true;
        this.#acknowledge();
      }
      return;
    }
    if (endpoint !== this.#out) return;
    this.#wanted = room;
    this.#pump();
  }

  #pump(): void {
    if (!this.isOpen || this.#wanted === 0 || this.#toSend.length === 0) return;
    const packet = Uint8Array.from(this.#toSend.splice(0, Math.min(this.#wanted, PACKET_BYTES)));
    this.#wanted = 0;
    this.#usb.endpointReadDone(this.#out, packet, PACKET_US);
  }
}
