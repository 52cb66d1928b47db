# Posit publishes RStudio Server for amd64; the package for Ubuntu 22.04 is made to run on later ones too.
ADD --checksum=sha256:e7b310c9e46811635b8dea8df82c729686c3a78f35cfa7767d9567e30f528465 \
    https://download2.rstudio.org/server/jammy/amd64/rstudio-server-2026.07.0-139-amd64.deb /tmp/image/rstudio.deb
# R is conda's, and so must be the libraries that it loads.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends /tmp/image/rstudio.deb \
    && rm -rf /tmp/image/rstudio.deb /var/lib/apt/lists/* \
    && echo rsession-ld-library-path=/opt/conda/lib > /etc/rstudio/rserver.conf
ENV PATH=$PATH:/usr/lib/rstudio-server/bin
