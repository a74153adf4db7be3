/** How thoroughly to measure. @module */

/** What every benchmark is told. */
export interface Settings {
  /** Rounds of each comparison. */
  rounds: number;
  /** How long one run takes, in milliseconds. */
  runMs: number;
  /** How much of a run is not counted, in milliseconds. */
  warmUpMs: number;
  /** The same in the rig, where a page of memory that is used for the first time takes 30 µs. */
  rigRunMs: number;
  /** The same in the rig. */
  rigWarmUpMs: number;
  /** Messages after which the heap is looked at, several times over. */
  messages: number;
  /** Associations that are open at once. */
  associations: number;
  /** Subscribers of one publisher. */
  subscribers: number;
  /** Topics of each subscriber, where there are many. */
  topics: number;
  /** Pipes of one socket that nothing passes through, few and many. */
  pipes: readonly number[];
  /** Told what is being done. */
  log: (line: string) => void;
}

/** For figures that are published. */
export const THOROUGH: Omit<Settings, "log"> = {
  rounds: 5,
  runMs: 1000,
  warmUpMs: 300,
  rigRunMs: 3000,
  rigWarmUpMs: 1500,
  messages: 1_000_000,
  associations: 1000,
  subscribers: 1000,
  topics: 10_000,
  pipes: [1000, 10_000],
};

/** To see that everything runs. */
export const QUICK: Omit<Settings, "log"> = {
  rounds: 1,
  runMs: 40,
  warmUpMs: 10,
  rigRunMs: 40,
  rigWarmUpMs: 10,
  messages: 2000,
  associations: 10,
  subscribers: 20,
  topics: 100,
  pipes: [10, 20],
};

/** Sizes of messages, in bytes. */
export const SIZES: readonly number[] = [64, 1024, 60 * 1024];
