# A playbook of ansible, as pulled by a machine for itself.
# needs: ansible-playbook
# by hand only

export ANSIBLE_NOCOWS=1 ANSIBLE_HOME="$WORK/ansible" ANSIBLE_LOCALHOST_WARNING=False
cat > play.yml <<'END'
- hosts: localhost
  connection: local
  tasks:
    - apt: {name: bash, state: present}
    - file: {path: "{{ work }}/d", state: directory, mode: "2775"}
    - copy: {dest: "{{ work }}/d/conf", content: "x = 1\n", owner: root, mode: "0644"}
    - lineinfile: {path: "{{ work }}/d/conf", line: "y = 2"}
    - template: {src: "{{ work }}/t.j2", dest: "{{ work }}/d/t"}
    - command: systemctl --version
    - shell: set -o pipefail; ls / | wc -l
      args: {executable: /bin/bash}
    - stat: {path: /etc/passwd}
    - getent: {database: passwd}
    - slurp: {src: /etc/nsswitch.conf}
    - get_url: {url: "file:///etc/nsswitch.conf", dest: "{{ work }}/d/got"}
    - git: {repo: "{{ work }}/repo", dest: "{{ work }}/checkout"}
END
echo 'x = {{ ansible_facts.hostname }}' > t.j2
git init -q repo; (cd repo; git config user.name x; git config user.email x@localhost; echo x > x; git add x; git commit -q -m x)
ansible-playbook -i localhost, -e "work=$WORK" play.yml
