// Reads what dashboard/chart/wire.py writes.

const TURN_BYTES = 8;
const LENGTH_BYTES = 4;
const ALIGNMENT = 8;
const NUMBERS = { nan: NaN, inf: Infinity, "-inf": -Infinity };
const KINDS = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

export function decode(bytes) {
  const begin = TURN_BYTES + LENGTH_BYTES;
  const end = begin + numbers(bytes).getUint32(TURN_BYTES, true);
  const header = new TextDecoder().decode(bytes.subarray(begin, end));
  const start = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
  const body = bytes.slice(start).buffer; // a copy, because a view must begin at a multiple of its item size
  return JSON.parse(header, (_, node) => putBack(node, body));
}

function putBack(node, body) {
  if (node?.$array) return view(body, ...node.$array);
  if (node?.$number) return NUMBERS[node.$number];
  return node;
}

function view(body, dtype, start, shape) {
  const size = shape.reduce((product, length) => product * length, 1);
  return nested(new KINDS[dtype](body, start, size), shape);
}

// A matrix as rows that share its memory, which is the form in which Plotly takes one.
function nested(flat, [length, ...rest]) {
  if (rest.length === 0) return flat;
  const size = rest.reduce((product, extent) => product * extent, 1);
  return Array.from({ length }, (_, row) => nested(flat.subarray(row * size, (row + 1) * size), rest));
}

// What an answer of several payloads holds: each with its place on the page.
export function* parts(bytes) {
  for (let start = 0; start < bytes.length; ) {
    const length = numbers(bytes.subarray(start)).getUint32(0, true);
    const part = bytes.subarray(start + LENGTH_BYTES, start + LENGTH_BYTES + length);
    yield addressed(part);
    start += LENGTH_BYTES + length;
  }
}

// A payload and, in front of it, the place on the page that it belongs to.
export function addressed(bytes) {
  const end = 1 + bytes[0];
  return [new TextDecoder().decode(bytes.subarray(1, end)), bytes.subarray(end)];
}

// The newer of two pictures has the higher turn.
export function turnOf(bytes) {
  return numbers(bytes).getBigUint64(0, true);
}

function numbers(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset);
}

// Whether two payloads show the same, whatever their turns.
export function same(bytes, others) {
  if (bytes?.length !== others?.length) return false;
  for (let index = TURN_BYTES; index < bytes.length; index++) if (bytes[index] !== others[index]) return false;
  return true;
}
