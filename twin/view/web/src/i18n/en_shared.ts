/** English messages about what other pages of the city did, and about results of an earlier version. */
export const enShared = {
  "shared.variant.new": "The variant “{name}” is new; it can be chosen.",
  "shared.variant.changed": "The variant “{name}” was changed on another page.",
  "shared.variant.gone": "The variant “{name}” is gone.",
  "shared.variant.shown": "The variant “{name}”, which was shown, is gone; the city is shown as it is.",
  "shared.result": "“{name}” was computed on another page; the result stands under Simulations.",
  "result.stale.city": "Computed on an earlier version of the city. Objects that changed since have no colour.",
  "result.stale.scenario": "Computed on an earlier version of the variant.",
  "result.again": "Run again",
  "result.again.gone": "Its variant is gone, so it cannot be run again.",
};
