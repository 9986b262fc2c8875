// Runs the simulator away from the page, so that sliders never wait for it.
import address from "leasehold.wasm?url";
import { Failed, load } from "../../web/test/core.mjs";
import type { Answer, Exhibit, Question, Reply } from "./core";

const scope = self as unknown as { postMessage(reply: Reply): void; onmessage: ((event: MessageEvent<Question>) => void) | null };
type Program = (request: object) => Record<string, unknown>;

let compiled: Promise<ArrayBuffer> | undefined;
let program: Promise<Program> | undefined;

function start(): Promise<Program> {
  compiled ??= fetch(address).then((response) => {
    if (!response.ok) throw new Error(`${response.status} ${response.statusText} for ${response.url}`);
    return response.arrayBuffer();
  });
  return (program ??= compiled.then((bytes) => load(bytes) as Promise<Program>));
}

async function ask(part: Reply["part"], request: object): Promise<boolean> {
  try {
    const run = await start();
    const began = performance.now();
    const answer = run(request) as unknown as Answer & { gallery?: Exhibit[] };
    scope.postMessage({ part, answer, took: performance.now() - began });
    return answer.error === undefined;
  } catch (error) {
    // After a trap the module's memory cannot be trusted: the next question gets a new one.
    program = undefined;
    if (!(error instanceof Failed)) compiled = undefined;
    const words = error instanceof Failed ? `the simulator failed: ${error.message}` : `the simulator could not be loaded: ${String(error)}`;
    scope.postMessage({ part, answer: { error: words }, took: 0 });
    return false;
  }
}

async function answer(question: Question) {
  if (question === "gallery") await ask("gallery", { want: ["gallery"] });
  // The verdict is there first. The picture plays the run again.
  else if (await ask("verdict", { ...question, want: ["verdict", "theory"] })) await ask("picture", { ...question, want: ["picture", "toml"] });
}

let last = Promise.resolve();
scope.onmessage = ({ data }) => { last = last.then(() => answer(data)); };
