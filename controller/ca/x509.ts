// @peculiar/x509 with the polyfill that it asks for (through tsyringe) before it is loaded.
import "reflect-metadata";

export * from "@peculiar/x509";
