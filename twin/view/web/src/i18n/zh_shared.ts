/** Chinese messages about what other pages of the city did, and about results of an earlier version. */
import type { enShared } from "./en_shared";

export const zhShared: Record<keyof typeof enShared, string> = {
  "shared.variant.new": "新增方案“{name}”，可供选择。",
  "shared.variant.changed": "方案“{name}”已在其他页面修改。",
  "shared.variant.gone": "方案“{name}”已被删除。",
  "shared.variant.shown": "当前显示的方案“{name}”已被删除，现显示现状城市。",
  "shared.result": "“{name}”已在其他页面计算完成，结果见“模拟分析”。",
  "result.stale.city": "基于城市的早期版本计算。此后变更的对象不着色。",
  "result.stale.scenario": "基于方案的早期版本计算。",
  "result.again": "重新计算",
  "result.again.gone": "其方案已被删除，无法重新计算。",
};
