import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromEnvironment } from "./server";

export const RUNTIME = { id: "demo", name: "Demo" };

/** Values for all that the samples want to have configured. */
export const CONFIG = {
  "reviews-v1": { REPLY_SIGNATURE: "Your friends" },
  "reviews-v2": { ALERT_BELOW: "0.3", "topics.json": '{"delivery": ["late", "parcel"]}' },
} as const;

/** The path of a packed folder of end2end/samples. */
export function samplePath(name: string): string {
  return join(fromEnvironment("KAI_SAMPLES"), `${name}.krt`);
}

export function sampleBytes(name: string): Buffer {
  return readFileSync(samplePath(name));
}
