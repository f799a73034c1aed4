# syntax=docker/dockerfile:1

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=1 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/workspace ./cmd/workspace \
    && mkdir /out/data

# Debian's C library and certificates, no shell, user 65532.
FROM gcr.io/distroless/base-debian12:nonroot
COPY --from=build /out/workspace /usr/local/bin/workspace
COPY --from=build --chown=65532:65532 /out/data /data
ENV WORKSPACE_DATABASE=sqlite:/data/workspace.db \
    WORKSPACE_LISTEN=0.0.0.0:8080 \
    WORKSPACE_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/workspace"]
CMD ["serve"]
