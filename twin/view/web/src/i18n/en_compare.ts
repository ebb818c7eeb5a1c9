/** English messages of the comparison's views, of base maps and of the skyline. */
export const enCompare = {
  "compare.mode": "Kind of comparison",
  "compare.pair": "Side by side",
  "compare.swipe": "Swipe",
  "compare.grid": "Grid",
  "compare.swipe.open": "Compare with a divider",
  "compare.grid.open": "Compare in a grid",
  "compare.divider": "Divider between the two views",
  "compare.view": "View {number}",
  "compare.own": "Own colours and time",
  "compare.overlay": "Colours",
  "compare.time": "Time of the sun",
  "compare.page": "As the page",
  "compare.fewer": "One view less",
  "compare.more.view": "One view more",
} as const;
