/** The Python side, reached through Panel's message channel. */
import type { Backend } from "../engine/api";
import { bytesOf, plain } from "./messages";

export interface PanelModel {
  on(event: string, callback: (message: unknown) => void): void;
  off(event: string, callback: (message: unknown) => void): void;
  send_msg(message: unknown): void;
}

type Listener = (message: Record<string, unknown>) => void;
type Waiting = { resolve: (result: unknown) => void; reject: (error: Error) => void };

/** Tiles with this address come over the message channel. */
export const EMBEDDED = "https://embedded.invalid/tiles/";

export class PanelBackend implements Backend {
  private serial = 0;
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners: Listener[] = [];
  private readonly receive = (raw: unknown): void => this.onRaw(raw);

  constructor(private readonly model: PanelModel) {
    model.on("msg:custom", this.receive);
  }

  ask(method: string, params: Record<string, unknown>, language?: string): Promise<unknown> {
    this.serial += 1;
    const id = this.serial;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      // A message has no place for what is undefined.
      this.model.send_msg({ op: "ask", id, method, params, ...(language && { language }) });
    });
  }

  emit(name: string, data: unknown): void {
    this.model.send_msg(name === "ready" ? { op: "ready" } : { op: "event", name, data });
  }

  onMessage(listener: Listener): void {
    this.listeners.push(listener);
  }

  readonly fetch = async (url: string): Promise<Response> => {
    if (!url.startsWith(EMBEDDED)) return fetch(url);
    const path = decodeURIComponent(new URL(url).pathname.replace(/^\/tiles\//, ""));
    const answer = (await this.ask("tile", { path })) as { data: unknown };
    return new Response(bytesOf(answer.data).slice().buffer);
  };

  dispose(): void {
    this.model.off("msg:custom", this.receive);
    for (const { reject } of this.waiting.values()) reject(new Error("the view was closed"));
    this.waiting.clear();
  }

  private onRaw(raw: unknown): void {
    const message = plain(raw) as Record<string, unknown>;
    if (message.op !== "answer") {
      for (const listener of this.listeners) listener(message);
      return;
    }
    const waiting = this.waiting.get(message.id as number);
    this.waiting.delete(message.id as number);
    const error = message.error as { message: string } | undefined;
    if (error) waiting?.reject(new Error(error.message));
    else waiting?.resolve(message.result);
  }
}
