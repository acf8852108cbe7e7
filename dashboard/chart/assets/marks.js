// Whether two figures differ in nothing but their lines and words over the traces, which Plotly moves in no time.

export const MARKS = ["shapes", "annotations", "meta"];

export function marksOf({ shapes = [], annotations = [] }) {
  return { shapes, annotations };
}

export function differInMarks(one, other) {
  return equal(one.data, other.data) && equal(without(one.layout, MARKS), without(other.layout, MARKS));
}

export function without(object, names) {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

export function equal(one, other) {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (one.constructor !== other.constructor) return false;
  if (ArrayBuffer.isView(one)) return one.length === other.length && one.every((value, i) => Object.is(value, other[i]));
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => equal(one[name], other[name]));
}
