// The page's side of the worker: one question at a time, the newest wins.
import type { Picture } from "../src/picture";

/** A scenario and its row. */
export interface Run { file: string; scenario: string; row?: string }

export interface Question { id: number; request: Run | "gallery" }

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

export interface Reply { id: number; part: "verdict" | "picture" | "gallery"; answer: Answer & { gallery?: Exhibit[] }; took: number }

export class Core {
  private readonly runs = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  private id = 0;
  private told: (reply: Reply) => void = () => {};
  private listed: (reply: Reply) => void = () => {};
  private list: Promise<Exhibit[]> | undefined;

  constructor() {
    this.runs.onmessage = ({ data }: MessageEvent<Reply>) => {
      if (data.part === "gallery") this.listed(data);
      else if (data.id === this.id) this.told(data);
    };
    this.runs.onerror = (event) => this.told({ id: this.id, part: "verdict", answer: { error: `the worker failed: ${event.message ?? "its script could not be loaded"}. Reload the page to try again.` }, took: 0 });
  }

  /** Answers to earlier questions are dropped from now on. */
  ask(run: Run, told: (reply: Reply) => void) {
    this.told = told;
    this.runs.postMessage({ id: ++this.id, request: run } satisfies Question);
  }

  /** The exhibits; asked for once. */
  gallery(): Promise<Exhibit[]> {
    return (this.list ??= new Promise<Exhibit[]>((resolve, reject) => {
      this.listed = ({ answer }) => answer.gallery ? resolve(answer.gallery) : reject(new Error(answer.error));
      this.runs.postMessage({ id: 0, request: "gallery" } satisfies Question);
    }).catch((error: unknown) => { this.list = undefined; throw error; }));
  }
}
