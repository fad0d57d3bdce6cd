# The server in an image of its own: `make image` puts the static binary here.
FROM scratch
COPY neargate-static /neargate
ENV NEARGATE_DATA_DIR=/var/lib/neargate NEARGATE_LISTEN=127.0.0.1:4566
VOLUME /var/lib/neargate
ENTRYPOINT ["/neargate"]
CMD ["serve"]
