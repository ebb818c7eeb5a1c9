import type { enCompare } from "./en_compare";

/** Chinese messages of the comparison's views, of base maps and of the skyline. */
export const zhCompare: Record<keyof typeof enCompare, string> = {
  "compare.mode": "对比方式",
  "compare.pair": "并排",
  "compare.swipe": "卷帘",
  "compare.grid": "多窗格",
  "compare.swipe.open": "卷帘对比",
  "compare.grid.open": "多窗格对比",
  "compare.divider": "两个视图的分隔线",
  "compare.view": "视图 {number}",
  "compare.own": "单独设置专题与时间",
  "compare.overlay": "专题",
  "compare.time": "日照时刻",
  "compare.page": "与页面一致",
  "compare.fewer": "减少一个视图",
  "compare.more.view": "增加一个视图",
};
