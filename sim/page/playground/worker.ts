// Runs the simulator away from the page, so that sliders never wait for it. The newest question wins.
import address from "leasehold.wasm?url";
import { Failed, load } from "../../web/test/core.mjs";
import type { Answer, Exhibit, Question, Reply, Run } from "./core";

const scope = self as unknown as { postMessage(reply: Reply): void; onmessage: ((event: MessageEvent<Question>) => void) | null };
type Program = (request: object) => Record<string, unknown>;

let compiled: Promise<ArrayBuffer> | undefined;
let program: Promise<Program> | undefined;
let next: { id: number; request: Run } | undefined;
/** The list of exhibits is wanted: no later question makes it needless. */
let listed = false;
let running = false;

function start(): Promise<Program> {
  compiled ??= fetch(address).then((response) => {
    if (!response.ok) throw new Error(`${response.status} ${response.statusText} for ${response.url}`);
    return response.arrayBuffer();
  });
  return (program ??= compiled.then((bytes) => load(bytes) as Promise<Program>));
}

/** Lets a message that has come in meanwhile be received. */
const breathe = () => new Promise<void>((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { port1.close(); resolve(); };
  port2.postMessage(0);
});

async function ask(id: number, part: Reply["part"], request: object): Promise<boolean> {
  try {
    const run = await start();
    const began = performance.now();
    const answer = run(request) as unknown as Answer & { gallery?: Exhibit[] };
    scope.postMessage({ id, part, answer, took: performance.now() - began });
    return answer.error === undefined;
  } catch (error) {
    // After a trap the module's memory cannot be trusted: the next question gets a new one.
    program = undefined;
    if (!(error instanceof Failed)) compiled = undefined;
    const words = error instanceof Failed ? `the simulator failed: ${error.message}` : `the simulator could not be loaded: ${String(error)}`;
    scope.postMessage({ id, part, answer: { error: words }, took: 0 });
    return false;
  }
}

async function work() {
  running = true;
  while (next || listed) {
    if (listed) {
      listed = false;
      await ask(0, "gallery", { want: ["gallery"] });
    }
    if (!next) continue;
    const { id, request } = next;
    next = undefined;
    // The verdict is there first. The picture plays the run again, which is for nothing when another question waits.
    const good = await ask(id, "verdict", { ...request, want: ["verdict", "theory"] });
    await breathe();
    if (good && !next) await ask(id, "picture", { ...request, want: ["picture", "toml"] });
    await breathe();
  }
  running = false;
}

scope.onmessage = ({ data }) => {
  const { id, request } = data;
  if (request === "gallery") listed = true;
  else next = { id, request };
  if (!running) void work();
};
