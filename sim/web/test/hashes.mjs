// node hashes.mjs MODULE.wasm SIM: the module reports what the command reports, trace hash included.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "./core.mjs";

const [module, sim] = process.argv.slice(2);
const ask = await load(readFileSync(module));

/** What the command prints, whatever it exits with. */
function command(...args) {
  try {
    return execFileSync(sim, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 });
  } catch (error) {
    assert.ok(error.status < 4, `sim ${args.join(" ")}: ${error.status}`);
    return error.stdout;
  }
}

const runs = [
  ["scenarios/skew.toml", "2.001s", []],
  ["scenarios/drift.toml", undefined, ["lease.duration=2s"]],
  ["scenarios/suspend.toml", undefined, []],
  ["scenarios/step.toml", undefined, []],
  ["scenarios/restart.toml", undefined, []],
  ["scenarios/membership.toml", undefined, []],
  ["scenarios/chance.toml", undefined, ["seed=7"]],
];
const folder = mkdtempSync(join(tmpdir(), "hashes-"));
for (const [file, row, sets] of runs) {
  const began = performance.now();
  const answer = ask({ want: ["verdict", "text", "theory", "toml", "picture"], file, scenario: readFileSync(file, "utf8"), row, sets });
  const took = performance.now() - began;
  assert.equal(answer.error, undefined);
  const setting = sets.flatMap((set) => ["--set", set]);
  const chosen = answer.row === "" ? [] : [`--row=${answer.row}`];
  const said = JSON.parse(command("run", file, "--json", ...setting, ...chosen));
  assert.equal(answer.report.trace, said.trace, `${file}: the trace hash`);
  assert.deepEqual(answer.report.rows, said.rows, `${file}: everything else`);
  assert.equal(answer.picture.trace, said.trace, `${file}: the picture is of that run`);
  assert.equal(answer.text, command("run", file, ...setting, ...chosen), `${file}: the report for people`);
  const saved = join(folder, "saved.toml");
  writeFileSync(saved, answer.toml);
  assert.equal(JSON.parse(command("run", saved, "--json")).trace, said.trace, `${file}: saved as a scenario`);
  console.log(`wasm: ${file} ${answer.row}: trace ${said.trace}, as sim run; ${said.rows[0].events} events in ${took.toFixed(0)} ms`);
}
rmSync(folder, { recursive: true });

const small = readFileSync("scenarios/skew.toml", "utf8");
// The same story in 9 s: n1 is cut off at 5.5 s.
const short = small.replace('"16s"', '"9s"').replace('from = "10s"', 'from = "5.5s"').replaceAll('"9s"\n', '"5.2s"\n').replace('duration = "5.2s"', 'duration = "9s"').replace('"14s"', '"9s"');
for (const every of ["200us", "5ms"]) {
  const times = [];
  let events = 0;
  for (let each = 0; each < 10; each += 1) {
    const sets = [`client.reader.every=${every}`, `client.writer.every=${every}`];
    const began = performance.now();
    const { error, report } = ask({ want: ["verdict"], file: "skew", scenario: short, row: "2.25s", sets });
    assert.equal(error, undefined);
    assert.ok(report.rows[0].stale_reads > 0, every);
    events = report.rows[0].events;
    times.push(performance.now() - began);
  }
  const median = times.sort((a, b) => a - b)[5].toFixed(1);
  console.log(`wasm: skew.toml in 9 s of simulated time, a request every ${every}: ${events} events, median ${median} ms`);
}

const { gallery } = ask({ want: ["gallery"] });
assert.ok(gallery.length > 20 && gallery.every((piece) => piece.scenario && piece.happened));
assert.match(ask({ want: ["verdict"], scenario: "duration = 5" }).error, /duration/);
assert.match(ask({ want: ["nothing"] }).error, /unknown variant/);
assert.match(ask({ want: ["verdict"], scenario: small, row: "x" }).error, /no row `x`: rows are 0s, /);
