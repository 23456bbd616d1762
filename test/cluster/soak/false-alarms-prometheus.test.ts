import { falseAlarms } from './false-alarms.ts';

falseAlarms('by Prometheus', {});
