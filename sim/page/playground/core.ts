// The page's side of the worker: one question at a time, and the newest is the next.
import type { Picture } from "../src/picture";

/** A scenario and its row. */
export interface Run { file: string; scenario: string; row?: string }

export type Question = Run | "gallery";

export interface Theory { safe: boolean | null; slack_ns?: number; why?: string }

/** What the page uses of an answer of sim/web/src/request.rs. */
export interface Answer {
  error?: string;
  row?: string;
  report?: { trace: string; rows: { safety: string; stale_reads: number; reads: number; margin_ns_min: number | null; events: number }[] };
  theory?: Theory;
  picture?: Picture;
  toml?: string;
}

/** An exhibit of the gallery. */
export interface Exhibit {
  name: string; file: string; title: string; rows: string[]; system: string; year: number; mechanism: string; believed: string;
  happened: string; note?: string | null; url: string; scenario: string;
}

export interface Reply { part: "verdict" | "picture" | "gallery"; answer: Answer & { gallery?: Exhibit[] }; took: number }

type Told = (reply: Reply) => void;

export class Core {
  private readonly runs = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  /** The question that the worker has; whose picture has not been drawn yet. */
  private sent: { told: Told } | undefined;
  /** The newest question; those between the two are never asked. */
  private waiting: { run: Run; told: Told } | undefined;
  private listed: Told = () => {};
  private list: Promise<Exhibit[]> | undefined;

  constructor() {
    this.runs.onmessage = ({ data }: MessageEvent<Reply>) => data.part === "gallery" ? this.listed(data) : this.tell(data);
    this.runs.onerror = (event) => {
      const words = `the worker failed: ${event.message ?? "its script could not be loaded"}. Reload the page to try again.`;
      this.tell({ part: "verdict", answer: { error: words }, took: 0 });
    };
  }

  /**
   * A question whose answers go to `told`. While a slider is dragged each question is answered whole before the newest is
   * taken: a question that is given up for a newer one would leave the picture still until the drag ends.
   */
  ask(run: Run, told: Told) {
    this.waiting = { run, told };
    if (!this.sent) this.next();
  }

  /** Nothing that was asked is of interest any more. */
  forget() {
    this.waiting = undefined;
    if (this.sent) this.sent.told = () => {};
  }

  private next() {
    const { waiting } = this;
    this.sent = waiting && { told: waiting.told };
    this.waiting = undefined;
    if (waiting) this.runs.postMessage(waiting.run satisfies Question);
  }

  private tell(reply: Reply) {
    try {
      this.sent?.told(reply);
    } finally {
      if (reply.part === "picture" || reply.answer.error !== undefined) this.next();
    }
  }

  /** The exhibits; asked for once. */
  gallery(): Promise<Exhibit[]> {
    return (this.list ??= new Promise<Exhibit[]>((resolve, reject) => {
      this.listed = ({ answer }) => answer.gallery ? resolve(answer.gallery) : reject(new Error(answer.error));
      this.runs.postMessage("gallery" satisfies Question);
    }).catch((error: unknown) => { this.list = undefined; throw error; }));
  }
}
