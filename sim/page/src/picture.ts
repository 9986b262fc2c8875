// Written by a test of leasehold-run from sim/run/src/picture/model.rs. Do not edit.

export type Ns = number;

export type Picture = { 
/**
 * What was run.
 */
setting: Setting, 
/**
 * What it comes to, in words and numbers.
 */
verdict: Verdict, 
/**
 * True time at the end of the run.
 */
end: Ns, 
/**
 * One a node, in the scenario's order. Other lists name a node by its place here.
 */
nodes: Array<NodeLane>, 
/**
 * One a client, in the scenario's order.
 */
clients: Array<Client>, 
/**
 * Who led, followed, campaigned or was down, and when.
 */
roles: Array<Role>, 
/**
 * Every lease, renewals joined.
 */
leases: Array<Lease>, 
/**
 * Every promise not to vote, renewals joined.
 */
promises: Array<Promise>, 
/**
 * Times in which a process stood still or was down.
 */
stops: Array<Stop>, 
/**
 * What went wrong.
 */
faults: Array<FaultBar>, 
/**
 * Every change of leadership.
 */
changes: Array<Change>, 
/**
 * The change that the picture is about, by its place in `changes`.
 */
told?: number, 
/**
 * The first stale read.
 */
stale?: StaleRead, 
/**
 * The story, in order of time.
 */
moments: Array<Moment>, 
/**
 * Messages between nodes: those nearest to the story.
 */
messages: Array<Message>, 
/**
 * What clients asked: those nearest to the story.
 */
operations: Array<Operation>, 
/**
 * What of both is not here.
 */
counted: Counted, 
/**
 * The longest times without service.
 */
gaps: Array<Gap>, 
/**
 * From when on the end of all faults came too late. Asked for separately.
 */
inevitable?: Inevitable, 
/**
 * The trace hash, 16 hexadecimal digits.
 */
trace: string, 
/**
 * Events of the whole run, decimal.
 */
events: string, };

export type Setting = { 
/**
 * `elapsed` or `deadline`.
 */
form: string, 
/**
 * D.
 */
lease: Ns, 
/**
 * T.
 */
election_timeout: Ns, 
/**
 * s.
 */
max_clock_skew: Ns, 
/**
 * D - s: how long a lease serves.
 */
effective: Ns, 
/**
 * How many nodes vote at the start.
 */
voters: number, 
/**
 * The lease rules, by name; the sound ones are `sound`.
 */
rules: string, 
/**
 * The clock that lanes show, and that the form of lease is told by: `wall`, `boot` or `raw`.
 */
clock: string, 
/**
 * The seed, decimal.
 */
seed: string, 
/**
 * Each line of the setting: a name and what it is.
 */
lines: Array<Line>, };

export type Line = { 
/**
 * `network`, `client`, ...
 */
name: string, 
/**
 * What it is.
 */
text: string, };

export type Verdict = { 
/**
 * `stale`, `not-safe`, `safe` or `not-known`.
 */
safety: string, 
/**
 * The verdict's first words: "Stale read".
 */
word: string, 
/**
 * The verdict as one sentence.
 */
sentence: string, 
/**
 * Three questions with their answers.
 */
cards: Array<Card>, 
/**
 * What T - (D - s) is, and what took from it. Absent where it cannot be split.
 */
budget?: Budget, 
/**
 * The margin of the told change; absent where there is none. A lease that never ends has no number either.
 */
margin?: Ns, 
/**
 * Reads that were answered.
 */
reads: number, 
/**
 * Stale reads.
 */
stale_reads: number, };

export type Card = { 
/**
 * "Which node served it?"
 */
question: string, 
/**
 * The answer, a few words.
 */
answer: string, 
/**
 * What it rests on.
 */
evidence: Array<string>, };

export type Budget = { 
/**
 * T - (D - s).
 */
slack: Ns, 
/**
 * What added to it, or took from it.
 */
parts: Array<Part>, 
/**
 * The sum.
 */
margin: Ns, };

export type Part = { 
/**
 * "offset".
 */
word: string, 
/**
 * Positive: it added.
 */
by: Ns, };

export type NodeLane = { 
/**
 * Its name.
 */
name: string, 
/**
 * It votes at the start.
 */
voter: boolean, 
/**
 * Its clocks: raw, boot and wall.
 */
clocks: Array<Clock>, };

export type Clock = { 
/**
 * `raw`, `boot` or `wall`.
 */
name: string, 
/**
 * In order of time. The last goes on to the end of the run.
 */
segments: Array<Segment>, };

export type Segment = { 
/**
 * It begins at this true time.
 */
at: Ns, 
/**
 * The clock's reading then, since its base.
 */
local: Ns, 
/**
 * Faster than true time by this, in parts per billion; -1 000 000 000 stands still.
 */
rate: Ns, 
/**
 * What began it: `start` or the word of a fault.
 */
cause: string, };

export type Client = { 
/**
 * Its name.
 */
name: string, };

export type Role = { 
/**
 * Which node.
 */
node: number, 
/**
 * `follower`, `candidate`, `leader` or `down`.
 */
role: string, 
/**
 * Its term.
 */
term: number, 
/**
 * From then on ...
 */
from: Ns, 
/**
 * ... until then.
 */
to: Ns, 
/**
 * A leader: from then on it can acknowledge writes.
 */
ready?: Ns, };

export type Lease = { 
/**
 * Whose.
 */
node: number, 
/**
 * In which term.
 */
term: number, 
/**
 * It was first in force.
 */
from: Ns, 
/**
 * It was renewed last.
 */
renewed: Ns, 
/**
 * It is counted from then: the send of the round that the last renewal rests on.
 */
start: Ns, 
/**
 * Its holder serves until then, whatever ends it. Absent: its holder's clock never comes to its end.
 */
over?: Ns, 
/**
 * It should have ended then: D - s after its start.
 */
true_end: Ns, 
/**
 * What ended it: `clock`, `given-up`, `crash`, `stopped` (its holder stood still) or `never`.
 */
ended: string, 
/**
 * How often it was renewed.
 */
renewals: number, };

export type Promise = { 
/**
 * Who promised.
 */
node: number, 
/**
 * To which leader. Absent: the node withholds votes because it has restarted.
 */
to?: number, 
/**
 * The leader's term; 0 after a restart.
 */
term: number, 
/**
 * It was first in force.
 */
from: Ns, 
/**
 * It was renewed last: the round came then.
 */
received: Ns, 
/**
 * That round was sent then.
 */
sent: Ns, 
/**
 * The node believes it over then. Absent: its clock never comes to its end.
 */
over?: Ns, 
/**
 * A perfect clock would end it then.
 */
true_end: Ns, 
/**
 * What ended it: `clock`, `crash` or `never`.
 */
ended: string, 
/**
 * How often it was renewed.
 */
renewals: number, };

export type Stop = { 
/**
 * Which node.
 */
node: number, 
/**
 * `stopped` (it stands still) or `down` (it has crashed).
 */
kind: string, 
/**
 * From then on ...
 */
from: Ns, 
/**
 * ... until then.
 */
to: Ns, };

export type FaultBar = { 
/**
 * Its key in a scenario: `isolate`.
 */
word: string, 
/**
 * In words.
 */
what: string, 
/**
 * It happened then ...
 */
at: Ns, 
/**
 * ... and was undone or healed then. Absent: not in this run.
 */
until?: Ns, 
/**
 * The nodes that it changes.
 */
nodes: Array<number>, 
/**
 * The links that it cuts or holds, as [sender, receiver].
 */
links: Array<[number, number]>, };

export type Change = { 
/**
 * The old leader; absent where no lease was before.
 */
old?: number, 
/**
 * Its term, or 0.
 */
old_term: number, 
/**
 * The new leader.
 */
new: number, 
/**
 * Its term.
 */
new_term: number, 
/**
 * From then on the new leader could acknowledge writes.
 */
ready: Ns, 
/**
 * The old lease was over then. Absent: no lease was before, or it never ends.
 */
over?: Ns, 
/**
 * The old lease never ends.
 */
never: boolean, 
/**
 * `ready - over`.
 */
margin?: Ns, 
/**
 * The voter whose promise the new leader had to wait for.
 */
voter?: number, };

export type StaleRead = { 
/**
 * The operation, by its number.
 */
operation: number, 
/**
 * The operation that it missed.
 */
missed: number, 
/**
 * Who answered it.
 */
server: number, 
/**
 * Who answered the missed one.
 */
missed_server: number, 
/**
 * What it returned; absent: that there is no such key.
 */
returned?: string, 
/**
 * What it should have returned, or something newer.
 */
missed_value?: string, 
/**
 * When the returned value was written: the write was acknowledged then, if it was.
 */
written?: Ns, 
/**
 * The missed value was known to a client then.
 */
known: Ns, 
/**
 * The read was asked then.
 */
asked: Ns, 
/**
 * It was answered then.
 */
answered: Ns, 
/**
 * `asked - known`.
 */
stale_by: Ns, 
/**
 * The missed write is in no log any more.
 */
lost: boolean, };

export type Moment = { 
/**
 * True time.
 */
at: Ns, 
/**
 * What happened.
 */
what: string, 
/**
 * `fault`, `elected`, ... (see `MomentKind`).
 */
kind: string, 
/**
 * Its part of the story: `lease`, `election`, `write`, `read` or `truth`.
 */
phase: string, 
/**
 * The node.
 */
node?: number, 
/**
 * The client.
 */
client?: number, 
/**
 * The operation, by its number.
 */
operation?: number, };

export type Message = { 
/**
 * Sender.
 */
from: number, 
/**
 * Receiver.
 */
to: number, 
/**
 * `append`, `vote`, ...
 */
kind: string, 
/**
 * Sent then.
 */
sent: Ns, 
/**
 * Delivered then. Absent: lost, or still under way at the end.
 */
got?: Ns, 
/**
 * Lost then.
 */
lost?: Ns, };

export type Operation = { 
/**
 * Its number, from 0.
 */
number: number, 
/**
 * Which client.
 */
client: number, 
/**
 * Which node it asked.
 */
node: number, 
/**
 * `read`, `write` or `cas`.
 */
kind: string, 
/**
 * The key, decimal.
 */
key: string, 
/**
 * What was written, or what a read returned. Absent: no such key, or no answer.
 */
value?: string, 
/**
 * Asked then.
 */
asked: Ns, 
/**
 * The node decided on its answer then.
 */
answered?: Ns, 
/**
 * The client had the answer then.
 */
known?: Ns, 
/**
 * `value`, `done`, `not-swapped`, `refused`, `unknown` or `none`.
 */
reply: string, 
/**
 * Answered under a lease, without a round trip.
 */
lease: boolean, 
/**
 * The read was stale.
 */
stale: boolean, };

export type Counted = { 
/**
 * The length of a part.
 */
step: Ns, 
/**
 * Messages sent in each part, drawn ones included.
 */
messages: Array<number>, 
/**
 * Operations asked in each part, drawn ones included.
 */
operations: Array<number>, 
/**
 * Stale reads asked in each part, drawn ones included.
 */
stale: Array<number>, 
/**
 * Messages and operations are all here within this distance of a moment of the story.
 */
near: Ns, 
/**
 * Messages of the whole run.
 */
messages_total: number, 
/**
 * Operations of the whole run.
 */
operations_total: number, };

export type Gap = { 
/**
 * `leader`, `reads` or `writes`.
 */
kind: string, 
/**
 * It began then.
 */
from: Ns, 
/**
 * It was so long.
 */
length: Ns, };

export type Inevitable = { 
/**
 * In order of time.
 */
samples: Array<Sample>, 
/**
 * The latest moment known at which the end of all faults still helped. Absent: it never did.
 */
avoidable_at?: Ns, 
/**
 * The first moment known at which it did not.
 */
too_late_at?: Ns, 
/**
 * In words.
 */
sentence: string, };

export type Sample = { 
/**
 * All faults end at this true time.
 */
at: Ns, 
/**
 * Two leaders could serve at once all the same.
 */
too_late: boolean, };

