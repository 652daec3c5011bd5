# The packages are installed in a stage of their own, so that npm's cache stays behind.
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
LABEL org.opencontainers.image.title="Certathon" \
      org.opencontainers.image.description="Keeps the TLS certificates of a Marathon cluster valid" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY deploy/image/predecessor /usr/local/bin/
COPY src ./src
# The store is mounted here; without a volume it lives and dies with the container.
RUN mkdir -p /var/lib/certathon /var/cache/certathon /certbot \
 && chown node:node /var/lib/certathon \
 && chmod 0700 /var/lib/certathon \
 && chmod 0755 /usr/local/bin/predecessor \
 && for name in /usr/local/bin/python /usr/local/bin/python3 /usr/local/bin/marathon-acme /certbot/run.sh; do \
      ln -s /usr/local/bin/predecessor "$name"; done
# It starts as root and becomes this user before it opens anything, unless it runs from the definition of a
# predecessor: their volumes are root's, and port 80 is too where Docker is older than 20.10.
# NODE_OPTIONS and MALLOC_* halve what a pass over thousands of certificates takes of memory. The limit of the heap is
# several times what ten thousand certificates need; without it V8 lets garbage grow by the memory of the host.
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/var/cache/certathon \
    NODE_OPTIONS="--max-semi-space-size=1 --max-old-space-size=512" \
    MALLOC_ARENA_MAX=1 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    CERTATHON_USER=1000:1000
# Fills the compile cache, which Node keeps for the user that starts it: the help, then a service that finds no
# Marathon and is ended. The other user reads what is loaded after the change.
RUN node src/main.ts --help >/dev/null \
 && { CERTATHON_USER=0 timeout -k 5 10 node src/main.ts serve --bind 127.0.0.1 --store /tmp/warm-up \
      --marathon-url http://127.0.0.1:9 --acme-directory https://127.0.0.1:9/ >/dev/null 2>&1 || true; } \
 && rm -rf /tmp/warm-up \
 && chmod -R a+rX /var/cache/certathon
EXPOSE 8080 8081
ENTRYPOINT ["node", "/app/src/main.ts"]
CMD ["serve"]
