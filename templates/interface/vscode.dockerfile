# VS Code for the browser, by coder.com: each processor has its own file of the same version.
RUN case "$(dpkg --print-architecture)" in \
      amd64) file=code-server-4.131.0-linux-amd64.tar.gz \
             sum=f6316f0b14ef5c12ed6e67e0154dd02ccf5e66112064687d7e93c51763105361 ;; \
      arm64) file=code-server_4.131.0_arm64.deb \
             sum=b0758c3692f3fc2a7311d6ab58c4f91efc4bc277938cff4a4164f7f9683542cf ;; \
    esac \
    && wget --quiet --directory-prefix /tmp/image "https://github.com/coder/code-server/releases/download/v4.131.0/$file" \
    && echo "$sum  /tmp/image/$file" > /tmp/image/sum \
    && sha256sum --check --quiet /tmp/image/sum \
    && case $file in \
      *.deb) dpkg --install "/tmp/image/$file" ;; \
      *) mkdir /opt/code-server \
         && tar --extract --gzip --file "/tmp/image/$file" --strip-components 1 --directory /opt/code-server --no-same-owner \
         && ln -s /opt/code-server/bin/code-server /usr/local/bin/code-server ;; \
    esac \
    && rm "/tmp/image/$file" /tmp/image/sum
