import { gzipSync } from "node:zlib";
import { tarHeader } from "./samples";

/** A KRT file of these files, by their names in it. */
export function packed(files: Record<string, string | Buffer>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const bytes = Buffer.from(content);
    return [tarHeader(name, bytes.length), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

interface Version {
  name: string;
  image?: string;
  replicas?: number;
  variables?: string[];
  description?: string;
  proto?: string;
  /** More files, or others in place of the usual ones. */
  files?: Record<string, string | Buffer>;
}

const PROTO = `syntax = "proto3";
message Request { string text = 1; }
message Reply { string text = 1; }
service Entrypoint { rpc Call (Request) returns (Reply); }
`;

/** A small valid file: one workflow of one node. */
export function smallKrt({ name, image = "example/one:1", replicas = 1, variables = [], description = "Made for a test.", proto = PROTO, files = {} }: Version): Buffer {
  const manifest = `version: ${name}
description: ${description}
krtVersion: v2
entrypoint:
  proto: public.proto
  image: example/entrypoint:1
config:
  variables: [${variables.join(", ")}]
workflows:
  - name: flow
    entrypoint: Call
    exitpoint: one
    nodes:
      - name: one
        image: ${image}
        src: src/one.py
        replicas: ${replicas}
        subscriptions:
          - entrypoint
`;
  return packed({ "krt.yml": manifest, "public.proto": proto, "src/one.py": "one", ...files });
}

export const PROTO_OF_SMALL_KRT = PROTO;
