/** Every seed that has ever failed, with its story. They are played before the random ones, for ever. */
export const seedsThatFailed: readonly { readonly seed: number; readonly direct?: true; readonly story: string }[] = [
  { seed: 416, story: 'the main step dies while it cleans up after a promotion; the post step finds no Job and says rolled-back' },
  { seed: 1376, story: 'scaled down to 1 between two steps: the second one, of the same single pod, is held with the time of the first' },
  { seed: 1465, story: 'the same, scaled from 4 to 2: the second step is held for 68 ms' },
  { seed: 5472, story: 'the promotion arrives 1.7 s after its client gave up and was cancelled: rolled-back, and the new image stands' },
  { seed: 6311, story: 'a claim of the fence arrives 2.8 s after its client gave up, when the label has been taken away: it stands again' },
  { seed: 10, story: 'checker: a timeout by the clock of the process may come a second early' },
  { seed: 62, story: 'checker: the process dies before its Job has started; the deadline counts from then' },
  { seed: 111, story: 'checker: the next run takes the record of a dead promotion over, and writes under its fence' },
  { seed: 533, story: 'checker: the answer to an advance is lost, and the next heartbeat writes the step before once more' },
  { seed: 3117, story: 'checker: a journal write that takes 4 s on its way buys 4 s less' },
  { seed: 4582, story: 'checker: a heartbeat of a process that is dead by then arrives 20 s later, and counts' },
  { seed: 10666, story: 'checker: a decision is as old as its request was on its way' },
  { seed: 30906, story: 'checker: a stable pod is evicted while a slow answer, which still shows it, is on its way' },
  { seed: 915, story: 'checker: the gates convict after refused writes have ended the run, and before the journal has that' },
  {
    seed: 567,
    direct: true,
    story: 'checker: the way back is in the journal and its process has not heard of it, when somebody changes the template',
  },
  { seed: 204817, story: 'checker: a look that fails half-way has shown the process nothing' },
];
