#!/bin/sh
# Sets up Rasa's environment. Rasa 3.6 runs on Python 3.10 alone, which uv finds, else pyenv has, else uv downloads.
set -u
cd "$(dirname "$0")/../.." || exit 1
uv="${UV:-uv}"

python310() {
  "$uv" python find --no-python-downloads 3.10 2>/dev/null && return
  for found in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10.*/bin/python3.10 /opt/*/bin/python3.10; do
    [ -x "$found" ] && echo "$found" && return
  done
  "$uv" python install --quiet 3.10 2>/dev/null && "$uv" python find 3.10 2>/dev/null
}

python="$(python310 | tail -n 1)"
if [ -z "$python" ]; then
  echo "没有找到 Python 3.10，也下载不了；Rasa 需要它。请安装 Python 3.10（系统软件包或 pyenv 都行）后再试。" >&2
  exit 1
fi
UV_PROJECT_ENVIRONMENT=.venv "$uv" --directory bot/runtime sync --quiet --frozen --python "$python" || {
  echo "Rasa 的环境没有装成，请检查网络和磁盘空间后再试。" >&2
  exit 1
}
