import { falseAlarms } from './false-alarms.ts';

// A file of its own: it runs beside the other source.
falseAlarms('by metrics: pods', { metrics: 'pods', prometheus: '' });
