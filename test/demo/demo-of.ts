import { runDemo } from '../../demo/run-demo.ts';
import { createPlainScreen } from '../../demo/screen.ts';

/** The demo of the action in a folder, as demo/main.ts runs the one of this checkout. */
const [actionFolder] = process.argv.slice(2);
if (actionFolder === undefined) throw new Error('give the folder of the action');
const screen = createPlainScreen((text) => process.stdout.write(text));
process.exitCode = await runDemo({ screen, cancel: new AbortController().signal, actionFolder });
