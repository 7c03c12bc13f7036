import { fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";

/** What a proxy's header says, as Istio's proxies write it. */
export function header(said: JsonObject): string {
  return Buffer.from(toBinary(StructSchema, fromJson(StructSchema, said))).toString("base64");
}
