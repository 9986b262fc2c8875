// Written by a test of leasehold-run from sim/run/src/sheet/model.rs. Do not edit.
import type { Card, Ns, Picture } from "./picture";

export type Sheet = { 
/**
 * What was asked, in small print above the verdict.
 */
asked: string, 
/**
 * Whether that is good.
 */
tone: Tone, 
/**
 * The verdict, a word or two.
 */
word: string, 
/**
 * The verdict, one sentence.
 */
sentence: string, 
/**
 * The questions that a reader asks first.
 */
cards: Array<Card>, 
/**
 * Everything else.
 */
parts: Array<Part>, 
/**
 * What is small: versions, numbers.
 */
foot: string, };

export type Tone = "good" | "bad" | "doubtful" | "plain";

export type Part = { 
/**
 * The heading.
 */
title: string, 
/**
 * What stands below it, in order.
 */
blocks: Array<Block>, };

export type Block = { "is": "text", 
/**
 * Its sentences.
 */
text: string, 
/**
 * Whether they are good news.
 */
tone: Tone, } | { "is": "boxes", 
/**
 * From left to right.
 */
boxes: Array<Tile>, } | { "is": "facts", 
/**
 * In order.
 */
facts: Array<Fact>, } | { "is": "table" } & Table | { "is": "curve" } & Curve | { "is": "map" } & Map | { "is": "bars" } & Bars | { "is": "timeline" } & Timeline | { "is": "runs", 
/**
 * The first is shown first.
 */
runs: Array<Drawn>, } | { "is": "folds", 
/**
 * The first is open.
 */
folds: Array<Fold>, } | { "is": "commands", 
/**
 * In order.
 */
commands: Array<Command>, } | { "is": "code", 
/**
 * What it is, and what it may be called.
 */
name: string, 
/**
 * What stands in it.
 */
text: string, };

export type Tile = { 
/**
 * Its heading.
 */
title: string, 
/**
 * Whether it is good news.
 */
tone: Tone, 
/**
 * What it says first.
 */
answer: string, 
/**
 * What it says then.
 */
facts: Array<string>, };

export type Fact = { 
/**
 * The name.
 */
name: string, 
/**
 * What it is.
 */
text: string, 
/**
 * An address that says more.
 */
address?: string, };

export type Table = { 
/**
 * What it is, for those who do not see it.
 */
name: string, 
/**
 * The heads of the columns.
 */
columns: Array<string>, 
/**
 * As many cells as there are columns.
 */
rows: Array<Array<string>>, };

export type Axis = { 
/**
 * What is on it.
 */
name: string, 
/**
 * `span` (ns), `rate` (parts per billion), `ratio` (billionths) or `number`.
 */
unit: string, };

export type Value = { 
/**
 * Where, in the axis's unit.
 */
at: Ns, 
/**
 * As the scenario writes it.
 */
text: string, 
/**
 * Something is wrong there: a stale read.
 */
bad: boolean, 
/**
 * More about it, in a few words.
 */
what: string, };

export type Curve = { 
/**
 * What it shows, for those who do not see it.
 */
name: string, 
/**
 * Across.
 */
x: Axis, 
/**
 * Up.
 */
y: Axis, 
/**
 * The values across.
 */
values: Array<Value>, 
/**
 * The lines.
 */
lines: Array<Series>, 
/**
 * From where on something is wrong.
 */
border?: Border, };

export type Series = { 
/**
 * What it is.
 */
name: string, 
/**
 * `measured`, `theory` or `staleness`: how it is drawn.
 */
style: string, 
/**
 * One a value across; `null` where there is none.
 */
points: Array<Ns | null>, };

export type Border = { 
/**
 * Where.
 */
at: Ns, 
/**
 * It is wrong above, else below.
 */
above: boolean, 
/**
 * As the scenario writes it.
 */
text: string, };

export type Map = { 
/**
 * What it shows, for those who do not see it.
 */
name: string, 
/**
 * Across.
 */
x: Axis, 
/**
 * Up.
 */
y: Axis, 
/**
 * The values across.
 */
xs: Array<Value>, 
/**
 * The values up.
 */
ys: Array<Value>, 
/**
 * One a value across; fewer where it was interrupted.
 */
columns: Array<Column>, 
/**
 * Who judged the cells.
 */
judge: string, };

export type Column = { 
/**
 * The place of its value across.
 */
x: number, 
/**
 * A sign a cell, from the lowest: `x` is stale, `.` is not.
 */
cells: string, 
/**
 * The margin of each cell; empty where it is not known, or where there are too many.
 */
margins: Array<Ns | null>, 
/**
 * Where the judge finds the line.
 */
measured?: Ns, 
/**
 * Where arithmetic finds it.
 */
theory?: Ns, 
/**
 * Both lines in words.
 */
lines: [string, string], };

export type Bars = { 
/**
 * What they show, for those who do not see them.
 */
name: string, 
/**
 * Each tenfold is as long as the next, for numbers of very different size.
 */
logarithmic: boolean, 
/**
 * The heads of the table: of the label, of the number, of the remark.
 */
columns: [string, string, string], 
/**
 * From above.
 */
bars: Array<Bar>, };

export type Bar = { 
/**
 * What it is.
 */
label: string, 
/**
 * How long it is.
 */
value: number, 
/**
 * From where to where the value may be.
 */
range?: [number, number], 
/**
 * The number as it is written.
 */
text: string, 
/**
 * What else there is to say.
 */
remark: string, 
/**
 * Whether it is good news.
 */
tone: Tone, };

export type Timeline = { 
/**
 * What it shows, for those who do not see it.
 */
name: string, 
/**
 * `time` (ns), or `order`: equal distances are events.
 */
axis: string, 
/**
 * The lanes' names, from above.
 */
lanes: Array<string>, 
/**
 * The bars.
 */
bars: Array<Interval>, 
/**
 * What each kind of bar means.
 */
legend: Array<Kind>, 
/**
 * The end of the axis.
 */
end: Ns, };

export type Interval = { 
/**
 * Which lane.
 */
lane: number, 
/**
 * Its beginning.
 */
from: Ns, 
/**
 * Its end; none that is known where it is not there.
 */
to?: Ns, 
/**
 * Its place in the legend.
 */
kind: number, 
/**
 * What stands in it.
 */
label: string, 
/**
 * What it is, in words.
 */
what: string, };

export type Kind = { 
/**
 * `bad`, `source`, `ordered`, `pending`, `lead`, `lease`, `down`, `fault`: how it is drawn.
 */
style: string, 
/**
 * What it means.
 */
words: string, };

export type Drawn = { 
/**
 * What it is called.
 */
label: string, 
/**
 * It, unless there is a reason why not.
 */
picture?: Picture, 
/**
 * What there is to say about it, or why it is not drawn.
 */
note: string, };

export type Fold = { 
/**
 * What is below, in a line.
 */
title: string, 
/**
 * Whether it is good news.
 */
tone: Tone, 
/**
 * What is below.
 */
blocks: Array<Block>, };

export type Command = { 
/**
 * What it does.
 */
what: string, 
/**
 * It, quoted for a shell.
 */
line: string, };

