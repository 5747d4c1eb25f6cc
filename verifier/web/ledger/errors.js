/**
 * The project's one error hierarchy: each error names a stable reason (the plain code, such as
 * "log.inclusion_invalid") and what the person at the keyboard does next.
 */

/** Root of all errors this project raises on purpose. `detail` holds sizes, indexes and key ids, never what was read. */
export class ProjectError extends Error {
  constructor(reason, detail = "", { hint = "" } = {}) {
    super(detail ? `${reason}: ${detail}` : reason);
    this.name = new.target.name;
    this.reason = reason;
    this.detail = detail;
    this.hint = hint;
  }
}

/** The bytes do not parse as what they claim to be. */
export class FormatError extends ProjectError {}

/** It parses, but it is not true. */
export class VerificationError extends ProjectError {}

/** It cannot be told with what is at hand: a key, a status list or a checkpoint is missing or stale. */
export class UndeterminedError extends ProjectError {}

/** The holder did not agree to this. */
export class ConsentError extends ProjectError {}

/** The set-up, a file or an argument at the edge is unusable as it stands. */
export class ConfigError extends ProjectError {}
