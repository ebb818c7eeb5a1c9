/** The `/live` WebSocket: code frames for the overlays, what moves, and the state of the feeds. */
import type { VehicleFrame } from "../engine/picture_api";
import type { FeedStatus } from "./messages";
import { isMoving, readMoving } from "./moving";

const MAGIC = 0x314c5443;
const HEADER = 24;
const SLOWEST_MS = 15_000;

export interface CodeFrame {
  overlay: number;
  replay: boolean;
  time: number;
  /** null = codes of all objects. */
  handles: Uint32Array | null;
  codes: Uint8Array;
}

export interface LiveStatus {
  feeds: FeedStatus[];
  time: number | null;
  replay: boolean;
  speed: number;
  /** How many things move. */
  moving?: number;
}

export type Link = "off" | "connecting" | "open" | "lost";

export interface LiveListener {
  link(state: Link): void;
  status(status: LiveStatus): void;
  frame(frame: CodeFrame): void;
  moved(frame: VehicleFrame): void;
  /** A frame speaks of another version of the scene. */
  foreign(epoch: number): void;
  broken(message: string): void;
}

/** Reads one binary frame; returns its epoch alone where that is not the scene's. */
export function readFrame(buffer: ArrayBuffer, epoch: number): CodeFrame | { epoch: number } {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER || view.getUint32(0, true) !== MAGIC) throw new Error("it does not start with CTL1");
  const frameEpoch = view.getUint32(4, true);
  if (frameEpoch !== epoch) return { epoch: frameEpoch };
  const changed = view.getUint8(10) === 1;
  const count = view.getUint32(20, true);
  if (buffer.byteLength !== HEADER + count * (changed ? 5 : 1)) throw new Error(`it is cut off at ${buffer.byteLength} bytes`);
  return {
    overlay: view.getUint16(8, true),
    replay: (view.getUint8(11) & 1) === 1,
    time: Number(view.getBigInt64(12, true)),
    handles: changed ? new Uint32Array(buffer, HEADER, count) : null,
    codes: new Uint8Array(buffer, HEADER + (changed ? count * 4 : 0), count),
  };
}

export class LiveClient {
  private socket: WebSocket | null = null;
  private attempts = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private overlays: number[] = [];
  private closed = false;

  constructor(
    private readonly url: string,
    private readonly epoch: number,
    private readonly listener: LiveListener,
  ) {}

  connect(): void {
    this.listener.link(this.attempts ? "lost" : "connecting");
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.attempts = 0;
      this.listener.link("open");
      this.subscribe(this.overlays);
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => this.receive(event.data);
    socket.onclose = () => this.again();
  }

  subscribe(overlays: number[]): void {
    this.overlays = overlays;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ op: "subscribe", overlays }));
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  private again(): void {
    if (this.closed) return;
    this.attempts += 1;
    this.listener.link("lost");
    this.timer = setTimeout(() => this.connect(), Math.min(SLOWEST_MS, 500 * 2 ** (this.attempts - 1)));
  }

  private receive(data: ArrayBuffer | string): void {
    try {
      if (typeof data === "string") {
        const message = JSON.parse(data) as { op: string } & LiveStatus;
        if (message.op === "status") this.listener.status(message);
        return;
      }
      if (isMoving(data)) return this.listener.moved(readMoving(data));
      const frame = readFrame(data, this.epoch);
      if ("epoch" in frame) this.listener.foreign(frame.epoch);
      else this.listener.frame(frame);
    } catch (error) {
      this.listener.broken(error instanceof Error ? error.message : String(error));
    }
  }
}
