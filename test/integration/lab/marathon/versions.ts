/** The versions that the contract is checked for: the oldest that is spoken, the lab's own, and the newest. */
export const OLD = '1.4.14';
export const LAB = '1.8.222';
export const NEW = '1.11.24';
export const VERSIONS = [OLD, LAB, NEW];
