// pure
import type { ErrorEntry } from './errors.ts';

/** The part of the table of failures that only a rollout meets; errors.ts has the whole. Statuses 3 to 9 are those of
 * zdd.py. */
export const ROLLOUT_ERRORS = {
  ROLLOUT_DECLINED: {
    exit: 1,
    retry: false,
    hint: 'Nothing more was changed; answer yes, or add --yes (zdd: --force) where nobody can be asked.',
  },
  ROLLOUT_STATE: {
    exit: 3,
    retry: false,
    hint: 'See `certathon rollout status`; what each way out does is said above.',
  },
  ROLLOUT_BALANCERS_UNREADABLE: {
    exit: 5,
    retry: true,
    hint: 'Make the admin endpoint (port 9090) of every balancer reachable from here, each by its own address, with its statistics at /haproxy?stats;csv.',
  },
  ROLLOUT_READ_FAILED: {
    exit: 6,
    retry: true,
    hint: 'Check the address of Marathon and that it has a leader; then `certathon rollout resume` goes on from what is there.',
  },
  ROLLOUT_CREATE_FAILED: {
    exit: 7,
    retry: false,
    hint: 'Marathon did not take the new app; its own words are above. The old one serves as before.',
  },
  ROLLOUT_DELETE_FAILED: {
    exit: 8,
    retry: true,
    hint: 'Marathon did not delete the app; its own words are above. `certathon rollout resume` tries again.',
  },
  ROLLOUT_SCALE_FAILED: {
    exit: 9,
    retry: true,
    hint: 'Marathon did not scale the app; its own words are above. `certathon rollout resume` tries again.',
  },
  ROLLOUT_ACTIVE: {
    exit: 50,
    retry: false,
    hint: 'Finish it by `certathon rollout resume` (a split: with --complete), or go back by `certathon rollout abort`.',
  },
  ROLLOUT_STUCK: {
    exit: 52,
    retry: false,
    hint: 'Above stands what the new tasks wait for, or die of, and which colour serves now.',
  },
  ROLLOUT_DRAIN_TIMEOUT: {
    exit: 53,
    retry: true,
    hint: 'Wait until the connections named above end and resume, or end them by --on-drain-timeout cut.',
  },
  ROLLOUT_HOOK_FAILED: {
    exit: 54,
    retry: false,
    hint: 'Its last words are above; when it would agree, begin anew, or go on by `certathon rollout resume` where both colours are still there.',
  },
  ROLLOUT_OVERTAKEN: {
    exit: 55,
    retry: false,
    hint: 'Look at `certathon rollout status`, then resume or abort from what is there now.',
  },
  ROLLOUT_ROLLBACK_FAILED: {
    exit: 56,
    retry: true,
    hint: 'Correct what is said above, then `certathon rollout abort` goes on with the way back.',
  },
  ROLLOUT_APP_INVALID: {
    exit: 4,
    retry: false,
    hint: 'Correct the JSON of the app as said above; nothing was changed.',
  },
  ROLLOUT_UNSAFE: {
    exit: 51,
    retry: false,
    hint: 'Correct what is said above, then try again; marathon-lb can not be driven safely through it.',
  },
} as const satisfies Record<string, ErrorEntry>;
