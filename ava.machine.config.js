// The long ones: chaos, and what needs root and the packages of the machines that cordon lives on: systemd, HAProxy, nginx, etcd.
export default {
  files: ['dist/test/systemd/**/*.test.js', 'dist/test/machine/**/*.test.js'],
  workerThreads: false,
  concurrency: 2,
  nodeArguments: ['--enable-source-maps'],
  require: ['./dist/test/support/leave-nobody.js'],
  timeout: '60s',
};
