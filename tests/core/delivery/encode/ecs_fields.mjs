// Prints the official field list as JSON: name -> [type, is an array, allowed values, their event types].
import { createRequire } from "node:module";

const { EcsFlat } = createRequire(process.argv[2] + "/")("@elastic/ecs");
const rows = Object.entries(EcsFlat).map(([name, field]) => [
  name,
  {
    type: field.type,
    array: (field.normalize ?? []).includes("array"),
    allowed: Object.fromEntries((field.allowed_values ?? []).map((v) => [v.name, v.expected_event_types ?? []])),
    expected: field.expected_values ?? [],
  },
]);
process.stdout.write(JSON.stringify(Object.fromEntries(rows)));
