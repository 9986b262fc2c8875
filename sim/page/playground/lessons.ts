// The course: eight ideas, each with a run that shows it.
import { DEFAULT, type Setting } from "./state";

export interface Lesson { title: string; words: string[]; look: string; runs: [name: string, setting: Setting][] }

const like = (part: Partial<Setting>): Setting => ({ ...DEFAULT, ...part });
const elapsed = (part: Partial<Setting>): Setting => like({ form: "elapsed", ...part });

export const LESSONS: Lesson[] = [
  {
    title: "What is a lease read?",
    words: [
      "A Raft leader accepts all writes. But is it still the leader? The others may have elected a new one without its knowledge.",
      "A lease answers that. A follower that accepts a round of messages from the leader promises to withhold its vote for the election timeout T. So there is no new leader before T has passed.",
      "The leader counts a shorter time, D − s, from the moment it sent the round. While that time runs, it answers reads by itself.",
    ],
    look: "The blue bar is n1's lease. The amber bars are the promises of n2 and n3. Every amber bar outlasts the blue one: the run is safe.",
    runs: [["A lease of 3 s, promises of 5 s", elapsed({})]],
  },
  {
    title: "Why does a lease read need no round trip?",
    words: [
      "Without a lease, the leader must ask a majority before each answer: am I still the leader? That takes one round trip.",
      "With a lease, the majority has answered in advance. One acknowledged round pays for all reads of the next D − s.",
      "The price is a clock. Instead of a message, the leader trusts its measurement of time.",
    ],
    look: "Compare the reader's boxes. Each has one message to n1 and one back. No message between nodes waits for a read, however slow the network is.",
    runs: [["Delay 1 ms", elapsed({})], ["Delay 50 ms", elapsed({ delay: 50 })]],
  },
  {
    title: "The clock assumption",
    words: [
      "The leader measures D − s with its clock. The followers measure T with theirs. The lease must be over before the first promise is.",
      "The difference T − (D − s) is the room for error. As long as the clocks' error is smaller, no read is stale.",
      "Two forms of lease make different assumptions. The elapsed form needs clocks that run at nearly the same rate. The deadline form needs wall clocks that show nearly the same time.",
    ],
    look: "The green line under the run is the room: 2.5 s. In the second run the followers' clocks are 2 s ahead. A margin of 0.5 s is left.",
    runs: [["Exact clocks", like({})], ["Followers 2 s ahead", like({ offset: 2000 })]],
  },
  {
    title: "Skew: clocks that show different times",
    words: [
      "In the deadline form the leader's messages carry a wall-clock time. A follower whose clock is ahead reaches the end of its promise early.",
      "Stale reads are possible once the skew exceeds T − (D − s). With s = 0 that is: election timeout minus lease.",
      "The elapsed form does not compare the clocks' times. The same skew is harmless there.",
    ],
    look: "The dotted lines join equal readings of the clocks. They slant: the followers are ahead. The red band of the second run is the time in which both leaders may answer.",
    runs: [["2.4 s: safe", like({ offset: 2400 })], ["2.6 s: stale", like({ offset: 2600 })], ["2.6 s, elapsed form", elapsed({ offset: 2600 })]],
  },
  {
    title: "Drift: clocks that run at different rates",
    words: [
      "In the elapsed form each node measures its own interval. A leader whose clock is slow keeps its lease for too long.",
      "Here D = 4.5 s, T = 5 s and s = 0: a tenth is the room. A quartz clock is wrong by 0.005 %. A clock that a time service is correcting may be wrong by 8 % or more.",
      "If you trust a clock less, choose a shorter lease or declare a larger skew.",
    ],
    look: "n1's own axis has wider ticks than the others. In the second run its lease ends after the followers' promises.",
    runs: [["Slow by 5 %: safe", elapsed({ lease: 4500, declared: 0, rate: -50_000 })], ["Slow by 12 %: stale", elapsed({ lease: 4500, declared: 0, rate: -120_000 })], ["12 %, with s = 500 ms", elapsed({ lease: 4500, declared: 500, rate: -120_000 })]],
  },
  {
    title: "Suspend: a clock that stands still",
    words: [
      "A machine that sleeps stops some of its clocks. On Linux, CLOCK_MONOTONIC_RAW stands still in suspend. CLOCK_BOOTTIME counts on.",
      "A lease on the raw clock alone survives the sleep, although the others have long elected a new leader.",
      "A sound node reads both clocks, and its lease ends by the one that has counted more. But a hypervisor can stop every clock of its guest. No clock inside sees that.",
    ],
    look: "A dotted box on n1's lane marks the time in which it sleeps. In the second run its clock stands still there, and the lease goes on afterwards.",
    runs: [["Both clocks: safe", elapsed({ stop: "suspend", stopped: 6000 })], ["Raw clock alone: stale", elapsed({ stop: "suspend", stopped: 6000, stamp: "raw" })], ["Hypervisor's pause", elapsed({ stop: "hypervisor-pause", stopped: 6000 })]],
  },
  {
    title: "Restart: a promise that is forgotten",
    words: [
      "A promise is kept in memory. A follower that crashes and starts again does not know what it promised.",
      "If it votes at once, it helps to elect a new leader while the old lease is still running. A real system had this bug.",
      "The remedy is simple: a node that has just started withholds its vote for T.",
    ],
    look: "n3 restarts just after the last renewal. Compare its first vote after that in both runs.",
    runs: [["Withholds: safe", elapsed({ restart: true })], ["Forgets: stale", elapsed({ restart: true, rules: "restart-forgets" })]],
  },
  {
    title: "What to do",
    words: [
      "Prefer the elapsed form. Declare a skew s that your clocks really keep, and keep D below T. Then every skew up to s is harmless.",
      "Beware of a formula that looks right: D − s < T is not enough. With D = 5.2 s, T = 5 s and s = 0.5 s it is true, and a skew of 0.4 s already gives a stale read.",
      "Count on two clocks. Let nothing stop a virtual machine unseen, or turn leases off there. Then ask for your own numbers: cargo sim advise.",
    ],
    look: "The same skew of 0.4 s, twice: once with a lease longer than the promises, once with the default lengths.",
    runs: [["D = 5.2 s: stale", like({ lease: 5200, offset: 400 })], ["D = 3 s: safe", like({ offset: 400 })]],
  },
];
