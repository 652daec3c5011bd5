/** Names of the columns as versions of HAProxy write them: the first ones are common to all. */
const COMMON =
  'pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,intercepted,dcon,dses';
const LATER =
  'wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,qtime_max,ctime_max,rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,used_conn_cur,need_conn_est,uweight';

export const COLUMNS = {
  '2.0': `${COMMON},wrew,connect,reuse,cache_lookups,cache_hits`.split(','),
  '2.6':
    `${COMMON},${LATER},agg_server_status,agg_server_check_status,agg_check_status,-,ssl_sess,ssl_reused_sess,ssl_failed_handshake,h2_headers_rcvd`.split(
      ',',
    ),
  '3.2':
    `${COMMON},${LATER},agg_server_status,agg_server_check_status,agg_check_status,srid,sess_other,h1sess,h2sess,h3sess,req_other,h1req,h2req,h3req,proto,-,ssl_sess,ssl_reused_sess,ssl_failed_handshake,quic_rxbuf_full,h1_open_connections`.split(
      ',',
    ),
} as const;

/** Values by column; what is left out is empty. */
export type CsvRow = Readonly<Record<string, string | number>>;

/** Statistics as HAProxy writes them: `# ` before the names, a comma at the end of each line, quotes where needed. */
export function csvOf(
  rows: readonly CsvRow[],
  columns: readonly string[] = COLUMNS['2.6'],
  end = '\n',
): string {
  const line = (fields: readonly string[]) => `${fields.map((field) => `${field},`).join('')}${end}`;
  return `# ${line(columns)}${rows
    .map((row) => line(columns.map((name) => escaped(String(Object.hasOwn(row, name) ? row[name] : '')))))
    .join('')}`;
}

function escaped(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
