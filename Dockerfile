# The server in an image of its own: `make image` puts the static binary here,
# and `make image-eks` neargate-kube beside it.
FROM scratch
COPY neargate* /
ENV NEARGATE_DATA_DIR=/var/lib/neargate NEARGATE_LISTEN=127.0.0.1:4566
VOLUME /var/lib/neargate
ENTRYPOINT ["/neargate"]
CMD ["serve"]
