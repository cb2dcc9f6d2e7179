# syntax=docker/dockerfile:1
# The image: Node-RED with Tieout as the package it is. Palette installs are off; all state is in /data.
ARG NODE=24.21.0-trixie-slim

FROM node:${NODE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build

FROM node:${NODE}
WORKDIR /usr/src/tieout
COPY package.json package-lock.json .npmrc ./
# Node-RED is a development dependency of the package (a palette package must not bring a second one): the locked version is added here.
RUN npm ci --omit=dev \
 && npm install --no-save --save-prod --omit=dev "node-red@$(node -p 'require("./package-lock.json").packages["node_modules/node-red"].version')" \
 && npm cache clean --force
COPY --from=build /src/dist dist
COPY --from=build /src/examples examples
COPY settings.js README.md LICENSE ./
COPY docs docs
RUN mkdir /data && chown node:node /data
USER node
ENV NODE_ENV=production TIEOUT_USER_DIR=/data TIEOUT_HOST=0.0.0.0 PORT=1880
EXPOSE 1880
# Whether the process turns; whether syncs succeed is told by sync-alert and /tieout/metrics.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/tieout/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node-RED itself handles SIGTERM: runs stop, what is being written is finished (15 s at most), the ledger is closed.
# A heap of its own size (demo/editor.ts): by default Node lets garbage grow with the machine's memory.
CMD ["node", "--max-old-space-size=1024", "--max-semi-space-size=8", "node_modules/node-red/red.js", "--settings", "settings.js", "--userDir", "/data"]
