// pure
import { forCommands, type OptionEntry } from './option.ts';

/** The part of the table about simulations; options.ts has the whole. */
export const SIMULATION_OPTIONS = forCommands(['plan'], [
  {
    name: 'simulate',
    kind: 'duration',
    range: ['1h', '3650d'],
    strict: true,
    example: '365d',
    doc: "Let the planner work through so much virtual time, from nothing, against a CA like Let's Encrypt, and report; asks and changes nothing.",
  },
  {
    name: 'lifetime',
    kind: 'duration',
    range: ['2h', '3650d'],
    default: '90d',
    example: '160h',
    doc: 'With --simulate: how long certificates last.',
  },
  {
    name: 'failures',
    kind: 'percentage',
    range: ['0', '0.9'],
    default: '0',
    example: '5%',
    doc: 'With --simulate: how many of the orders, questions to the CA and deliveries fail.',
  },
  {
    name: 'certificates',
    kind: 'integer',
    range: ['1', '10000'],
    default: '100',
    doc: 'With --simulate: how many certificates, with one name each, ten of a registered domain.',
  },
  {
    name: 'seed',
    kind: 'integer',
    range: ['0', '4294967295'],
    default: '1',
    doc: 'With --simulate: which failures come by chance; the same seed gives the same report.',
  },
] as const satisfies readonly OptionEntry[]);
