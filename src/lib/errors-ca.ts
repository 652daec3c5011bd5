// pure
import type { ErrorEntry } from './errors.ts';

/** Failures that lie in what a CA wants of us, or in who may order from it; errors.ts has the whole. */
export const CA_ERRORS = {
  ACCOUNT_DEACTIVATED: {
    exit: 26,
    retry: false,
    hint: 'That account is over for good: `certathon account register` makes a new one, or give another key by --acme-account-key-file.',
  },
  EXTERNAL_ACCOUNT_MISSING: {
    exit: 26,
    retry: false,
    hint: 'Give --acme-eab-kid and --acme-eab-hmac-key-file, which the CA hands out; of another CA than the first eabKid and eabHmacKeyFile in --ca-settings-file.',
  },
  CAA_FORBIDS: {
    exit: 28,
    retry: true,
    hint: 'Add the CA to the CAA records of the domain, or name another CA by --acme-directory or --further-cas.',
  },
  PROFILE_UNAVAILABLE: {
    exit: 29,
    retry: true,
    hint: 'Choose a profile that the CA offers (--acme-profile), or let it be left out by --acme-profile-mode wanted.',
  },
} as const satisfies Record<string, ErrorEntry>;
